pub struct A { pub a: , }
