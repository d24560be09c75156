pub struct A {}
//! too late
pub struct B {}
