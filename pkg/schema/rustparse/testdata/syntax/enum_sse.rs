pub enum A { B C }
pub struct D { pub a: A }
