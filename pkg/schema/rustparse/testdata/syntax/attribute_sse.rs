#[]
pub struct A {}
