pub struct A { pub a: std::collections:: }
