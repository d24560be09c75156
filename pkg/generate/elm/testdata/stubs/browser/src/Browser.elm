module Browser exposing (..)
import Browser.Navigation
import Html exposing (Html)
import Url exposing (Url)
type alias Document msg = { title : String, body : List (Html msg) }
type UrlRequest = Internal Url | External String
element : { init : flags -> ( model, Cmd msg ), view : model -> Html msg, update : msg -> model -> ( model, Cmd msg ), subscriptions : model -> Sub msg } -> Program flags model msg
element a = element a
document : { init : flags -> ( model, Cmd msg ), view : model -> Document msg, update : msg -> model -> ( model, Cmd msg ), subscriptions : model -> Sub msg } -> Program flags model msg
document a = document a
application : { init : flags -> Url -> Browser.Navigation.Key -> ( model, Cmd msg ), view : model -> Document msg, update : msg -> model -> ( model, Cmd msg ), subscriptions : model -> Sub msg, onUrlRequest : UrlRequest -> msg, onUrlChange : Url -> msg } -> Program flags model msg
application a = application a
