#!/usr/bin/env run-cargo-script
pub struct Ping {}
