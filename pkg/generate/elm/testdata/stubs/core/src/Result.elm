module Result exposing (..)
import Basics exposing (..)
type Result error value = Ok value | Err error
map : (a -> b) -> Result x a -> Result x b
map f r =
  case r of
    Ok v -> Ok (f v)
    Err e -> Err e
mapError : (x -> y) -> Result x a -> Result y a
mapError f r =
  case r of
    Ok v -> Ok v
    Err e -> Err (f e)
