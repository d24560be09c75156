module Platform.Sub exposing (..)
type Sub msg = Sub
none : Sub msg
none = Sub
batch : List (Sub msg) -> Sub msg
batch _ = Sub
map : (a -> msg) -> Sub a -> Sub msg
map _ _ = Sub
