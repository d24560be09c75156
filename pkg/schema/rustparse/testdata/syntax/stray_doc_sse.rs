pub struct A {}
/// of nothing
