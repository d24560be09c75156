pub struct A { pub type: String }
