pub type A String;
pub struct D { pub a: A }
