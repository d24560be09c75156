pub struct A {
    pub a: String;
}
