module Debug exposing (..)
import String exposing (String)
toString : a -> String
toString _ = ""
