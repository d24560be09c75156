pub struct A {} const X: &str = "never ends;
