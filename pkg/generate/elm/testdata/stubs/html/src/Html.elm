module Html exposing (..)
type Html msg = Html msg | Empty
map : (a -> msg) -> Html a -> Html msg
map _ _ = Empty
text : String -> Html msg
text _ = Empty
