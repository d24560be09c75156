pub struct A { pub a: Vec<String }
