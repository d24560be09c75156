module String exposing (..)
import Basics exposing (..)
type String = String
fromInt : Int -> String
fromInt _ = ""
