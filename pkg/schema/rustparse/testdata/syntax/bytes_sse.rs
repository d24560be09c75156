pub struct A {} // ÿ
