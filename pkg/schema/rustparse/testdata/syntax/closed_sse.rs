pub struct A {} }
