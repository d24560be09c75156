#[doc = "\q"] pub struct A {}
