module Dict exposing (..)
import Basics exposing (..)
type Dict k v = Dict k v | Empty
empty : Dict k v
empty = Empty
