#[doc = "\x80"]
pub struct A {}
