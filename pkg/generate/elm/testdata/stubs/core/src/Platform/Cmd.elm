module Platform.Cmd exposing (..)
type Cmd msg = Cmd
none : Cmd msg
none = Cmd
batch : List (Cmd msg) -> Cmd msg
batch _ = Cmd
map : (a -> msg) -> Cmd a -> Cmd msg
map _ _ = Cmd
