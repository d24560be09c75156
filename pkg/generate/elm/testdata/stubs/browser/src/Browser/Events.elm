module Browser.Events exposing (..)
import Json.Decode
onKeyPress : Json.Decode.Decoder msg -> Sub msg
onKeyPress _ = Sub.none
