module Tuple exposing (..)
first : (a, b) -> a
first (a, _) = a
second : (a, b) -> b
second (_, b) = b
pair : a -> b -> (a, b)
pair a b = (a, b)
