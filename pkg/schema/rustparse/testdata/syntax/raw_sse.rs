pub struct A { pub r#self: String }
