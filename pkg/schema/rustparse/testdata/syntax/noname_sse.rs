pub struct { pub a: String }
