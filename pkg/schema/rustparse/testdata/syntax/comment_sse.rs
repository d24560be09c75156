/* /* */ pub struct A {}
