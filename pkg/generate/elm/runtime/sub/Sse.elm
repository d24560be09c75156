module Sse exposing (Status(..), Subscription, subscribe)

{-| Streams of events as subscriptions: what is subscribed to is open. Nothing is
connected by hand; the JavaScript in clients/elm asks the program's own decoders
which channels they look for, and gives them events of the page whose detail is of
no other use. A decoder that fails is no message.
-}

import Browser.Events
import Json.Decode as D exposing (Value)


{-| What is known of a channel. After Gap, events are missing: load the state again.
Undecodable is an event that this program cannot read, Failed is the end of it.
-}
type Status
    = Connecting
    | Live
    | Reconnecting
    | Paused
    | Gap
    | Undecodable String
    | Failed String


{-| One channel, and what its events and its states become.
-}
type alias Subscription msg =
    { channel : String
    , onEvent : String -> Value -> Result String msg
    , onStatus : Maybe (Status -> msg)
    }


{-| The generated subscribeTo functions call this.
-}
subscribe : Subscription msg -> Sub msg
subscribe s =
    D.at [ "detail", "sse" ] (D.field s.channel what_)
        |> D.andThen (decide s)
        |> Browser.Events.onKeyPress


{-| What nobody hears is looked for below report, so that the JavaScript reads it.
-}
decide : Subscription msg -> Received -> D.Decoder msg
decide s what =
    case message what s of
        Ok (Just msg) ->
            D.succeed msg

        Ok Nothing ->
            D.fail "not asked for"

        Err why ->
            D.at [ "detail", "report", s.channel ++ ": " ++ why ] (D.fail why)
