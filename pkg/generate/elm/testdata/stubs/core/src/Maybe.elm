module Maybe exposing (..)
import Basics exposing (..)
type Maybe a = Just a | Nothing
withDefault : a -> Maybe a -> a
withDefault d m =
  case m of
    Just v -> v
    Nothing -> d
map : (a -> b) -> Maybe a -> Maybe b
map f m =
  case m of
    Just v -> Just (f v)
    Nothing -> Nothing
