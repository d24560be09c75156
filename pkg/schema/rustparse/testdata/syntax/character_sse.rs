pub struct A {} §
