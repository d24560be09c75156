pub fn f()
