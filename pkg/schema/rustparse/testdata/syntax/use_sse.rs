use a::{b, c;
pub struct A {}
