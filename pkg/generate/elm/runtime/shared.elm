

type Received
    = Event String Value
    | Changed Status


what_ : D.Decoder Received
what_ =
    D.oneOf
        [ D.map2 Event (D.field "event" D.string) (D.field "data" D.value)
        , D.map2 state (D.field "status" D.string) (D.oneOf [ D.field "why" D.string, D.succeed "" ])
        ]


state : String -> String -> Received
state name why =
    case name of
        "connecting" ->
            Changed Connecting

        "live" ->
            Changed Live

        "waiting" ->
            Changed Reconnecting

        "paused" ->
            Changed Paused

        "gap" ->
            Changed Gap

        "undecodable" ->
            Changed (Undecodable why)

        _ ->
            Changed (Failed why)


{-| What a subscription is told, or what nobody is there to hear.
-}
message : Received -> Subscription msg -> Result String (Maybe msg)
message what s =
    case ( what, s.onStatus ) of
        ( Event event data, onStatus ) ->
            case ( s.onEvent event data, onStatus ) of
                ( Ok msg, _ ) ->
                    Ok (Just msg)

                ( Err why, Just toMsg ) ->
                    Ok (Just (toMsg (Undecodable (event ++ ": " ++ why))))

                ( Err why, Nothing ) ->
                    Err (event ++ ": " ++ why)

        ( Changed now, Just toMsg ) ->
            Ok (Just (toMsg now))

        ( Changed (Undecodable why), Nothing ) ->
            Err why

        ( Changed (Failed why), Nothing ) ->
            Err why

        ( Changed _, Nothing ) ->
            Ok Nothing
