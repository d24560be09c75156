module Sse.Json exposing (decode, int64, nullable, optional, required)

{-| What the generated decoders are made of.
-}

import Json.Decode as D exposing (Decoder, Value)
import Json.Encode as E


{-| The value, or what is wrong with it.
-}
decode : Decoder a -> Value -> Result String a
decode decoder value =
    Result.mapError D.errorToString (D.decodeValue decoder value)


{-| A field that has to be there.
-}
required : String -> Decoder a -> Decoder (a -> b) -> Decoder b
required name decoder =
    D.map2 (|>) (D.field name decoder)


{-| A field that may be null or absent.
-}
optional : String -> Decoder a -> Decoder (Maybe a -> b) -> Decoder b
optional name decoder =
    D.map2 (|>)
        (D.maybe (D.field name D.value)
            |> D.andThen
                (\there ->
                    case there of
                        Just _ ->
                            D.field name (D.nullable decoder)

                        Nothing ->
                            D.succeed Nothing
                )
        )


{-| An integer that Elm has exactly. One beyond is a string here, and an error.
-}
int64 : Decoder Int
int64 =
    D.oneOf [ D.map Ok D.int, D.map Err D.string ]
        |> D.andThen
            (\read ->
                case read of
                    Ok exact ->
                        D.succeed exact

                    Err text ->
                        D.fail (text ++ " is beyond 2^53 and would be rounded: Elm has no such Int")
            )


{-| What may be missing, as null.
-}
nullable : (a -> E.Value) -> Maybe a -> E.Value
nullable encoder value =
    case value of
        Just there ->
            encoder there

        Nothing ->
            E.null
