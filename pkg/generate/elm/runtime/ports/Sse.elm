module Sse exposing (Model, Msg, Status(..), Stream, Subscription, application, batch, document, element, map, model, none, subscribe)

{-| Streams of events as a program's subscriptions: what `streams` returns for the
model is open, what it no longer returns is closed. The JavaScript in clients/elm
holds the connection and talks to the two ports of SsePorts.
-}

import Browser
import Browser.Navigation
import Html exposing (Html)
import Json.Decode as D exposing (Value)
import Json.Encode as E
import Set
import SsePorts
import Url exposing (Url)


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


{-| The channels that a program wants.
-}
type Stream msg
    = Stream (List (Subscription msg))


{-| One channel, and what its events and its states become.
-}
type alias Subscription msg =
    { channel : String
    , onEvent : String -> Value -> Result String msg
    , onStatus : Maybe (Status -> msg)
    }


{-| The generated subscribeTo functions call this.
-}
subscribe : Subscription msg -> Stream msg
subscribe wanted =
    Stream [ wanted ]


{-| No stream.
-}
none : Stream msg
none =
    Stream []


{-| All of these.
-}
batch : List (Stream msg) -> Stream msg
batch all =
    Stream (List.concatMap subscriptionsOf all)


{-| The streams of a part of the program.
-}
map : (a -> msg) -> Stream a -> Stream msg
map toMsg (Stream all) =
    Stream (List.map (mapSubscription toMsg) all)


mapSubscription : (a -> msg) -> Subscription a -> Subscription msg
mapSubscription toMsg s =
    { channel = s.channel
    , onEvent = \event data -> Result.map toMsg (s.onEvent event data)
    , onStatus = Maybe.map (\f status -> toMsg (f status)) s.onStatus
    }


subscriptionsOf : Stream msg -> List (Subscription msg)
subscriptionsOf (Stream all) =
    all


{-| The program's model, and which channels are open for it.
-}
type Model model
    = Model { app : model, open : List String }


{-| The program's messages, and what came by the port.
-}
type Msg msg
    = App msg
    | Came Value


{-| The program's own model, for tests.
-}
model : Model model -> model
model (Model m) =
    m.app


{-| Browser.element, with streams.
-}
element :
    { init : flags -> ( model, Cmd msg )
    , view : model -> Html msg
    , update : msg -> model -> ( model, Cmd msg )
    , subscriptions : model -> Sub msg
    , streams : model -> Stream msg
    }
    -> Program flags (Model model) (Msg msg)
element app =
    Browser.element
        { init = \flags -> next app [] (app.init flags)
        , view = \m -> Html.map App (app.view (model m))
        , update = update app
        , subscriptions = subscriptions app
        }


{-| Browser.document, with streams.
-}
document :
    { init : flags -> ( model, Cmd msg )
    , view : model -> Browser.Document msg
    , update : msg -> model -> ( model, Cmd msg )
    , subscriptions : model -> Sub msg
    , streams : model -> Stream msg
    }
    -> Program flags (Model model) (Msg msg)
document app =
    Browser.document
        { init = \flags -> next app [] (app.init flags)
        , view = \m -> page (app.view (model m))
        , update = update app
        , subscriptions = subscriptions app
        }


{-| Browser.application, with streams.
-}
application :
    { init : flags -> Url -> Browser.Navigation.Key -> ( model, Cmd msg )
    , view : model -> Browser.Document msg
    , update : msg -> model -> ( model, Cmd msg )
    , subscriptions : model -> Sub msg
    , onUrlRequest : Browser.UrlRequest -> msg
    , onUrlChange : Url -> msg
    , streams : model -> Stream msg
    }
    -> Program flags (Model model) (Msg msg)
application app =
    Browser.application
        { init = \flags url key -> next app [] (app.init flags url key)
        , view = \m -> page (app.view (model m))
        , update = update app
        , subscriptions = subscriptions app
        , onUrlRequest = \request -> App (app.onUrlRequest request)
        , onUrlChange = \url -> App (app.onUrlChange url)
        }


page : Browser.Document msg -> Browser.Document (Msg msg)
page { title, body } =
    { title = title, body = List.map (Html.map App) body }


type alias Program_ app model msg =
    { app
        | update : msg -> model -> ( model, Cmd msg )
        , subscriptions : model -> Sub msg
        , streams : model -> Stream msg
    }


{-| The port is told when other channels are wanted than before, and then all of them.
-}
next : { app | streams : model -> Stream msg } -> List String -> ( model, Cmd msg ) -> ( Model model, Cmd (Msg msg) )
next app open ( m, cmd ) =
    let
        wanted =
            subscriptionsOf (app.streams m)
                |> List.map .channel
                |> Set.fromList
                |> Set.toList
    in
    ( Model { app = m, open = wanted }
    , if wanted == open then
        Cmd.map App cmd

      else
        Cmd.batch
            [ SsePorts.sseOut (E.object [ ( "want", E.list E.string wanted ) ])
            , Cmd.map App cmd
            ]
    )


update : Program_ app model msg -> Msg msg -> Model model -> ( Model model, Cmd (Msg msg) )
update app msg (Model m) =
    case msg of
        App inner ->
            next app m.open (app.update inner m.app)

        Came value ->
            case D.decodeValue received value of
                Ok ( channel, what ) ->
                    subscriptionsOf (app.streams m.app)
                        |> List.filter (\s -> s.channel == channel)
                        |> List.foldl (deliver app what) ( m.app, Cmd.none )
                        |> next app m.open

                Err error ->
                    ( Model m, report (D.errorToString error) )


deliver : Program_ app model msg -> Received -> Subscription msg -> ( model, Cmd msg ) -> ( model, Cmd msg )
deliver app what s ( m, cmd ) =
    case message what s of
        Ok (Just msg) ->
            let
                ( after, more ) =
                    app.update msg m
            in
            ( after, Cmd.batch [ cmd, more ] )

        Ok Nothing ->
            ( m, cmd )

        Err why ->
            ( m, Cmd.batch [ cmd, report (s.channel ++ ": " ++ why) ] )


{-| For the console.
-}
report : String -> Cmd msg
report text =
    SsePorts.sseOut (E.object [ ( "report", E.string text ) ])


subscriptions : Program_ app model msg -> Model model -> Sub (Msg msg)
subscriptions app (Model m) =
    Sub.batch
        [ SsePorts.sseIn Came
        , Sub.map App (app.subscriptions m.app)
        ]


received : D.Decoder ( String, Received )
received =
    D.map2 Tuple.pair (D.field "channel" D.string) (D.field "what" what_)
