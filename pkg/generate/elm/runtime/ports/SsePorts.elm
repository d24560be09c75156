port module SsePorts exposing (sseIn, sseOut)

{-| What the JavaScript in clients/elm connects to the streams.
-}

import Json.Decode exposing (Value)


port sseOut : Value -> Cmd msg


port sseIn : (Value -> msg) -> Sub msg
