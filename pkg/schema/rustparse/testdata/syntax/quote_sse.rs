pub struct A {} const X: char = ';
