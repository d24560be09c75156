module Char exposing (..)
type Char = Char
