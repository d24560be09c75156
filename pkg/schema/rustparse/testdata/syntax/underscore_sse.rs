pub struct A { pub a: _ }
