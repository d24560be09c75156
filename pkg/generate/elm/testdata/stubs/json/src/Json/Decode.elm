module Json.Decode exposing (..)
import Dict
import Json.Encode
type alias Value = Json.Encode.Value
type Decoder a = Decoder
type Error = Failure String Value
string : Decoder String
string = Decoder
int : Decoder Int
int = Decoder
float : Decoder Float
float = Decoder
bool : Decoder Bool
bool = Decoder
value : Decoder Value
value = Decoder
succeed : a -> Decoder a
succeed _ = Decoder
fail : String -> Decoder a
fail _ = Decoder
field : String -> Decoder a -> Decoder a
field _ _ = Decoder
nullable : Decoder a -> Decoder (Maybe a)
nullable _ = Decoder
maybe : Decoder a -> Decoder (Maybe a)
maybe _ = Decoder
list : Decoder a -> Decoder (List a)
list _ = Decoder
map : (a -> b) -> Decoder a -> Decoder b
map _ _ = Decoder
map2 : (a -> b -> c) -> Decoder a -> Decoder b -> Decoder c
map2 _ _ _ = Decoder
map5 : (a -> b -> c -> d -> e -> f) -> Decoder a -> Decoder b -> Decoder c -> Decoder d -> Decoder e -> Decoder f
map5 _ _ _ _ _ _ = Decoder
andThen : (a -> Decoder b) -> Decoder a -> Decoder b
andThen _ _ = Decoder
decodeValue : Decoder a -> Value -> Result Error a
decodeValue _ v = Err (Failure "" v)
decodeString : Decoder a -> String -> Result Error a
decodeString _ _ = Err (Failure "" Json.Encode.null)
index : Int -> Decoder a -> Decoder a
index _ _ = Decoder
oneOf : List (Decoder a) -> Decoder a
oneOf _ = Decoder
null : a -> Decoder a
null _ = Decoder
dict : Decoder a -> Decoder (Dict.Dict String a)
dict _ = Decoder
at : List String -> Decoder a -> Decoder a
at _ _ = Decoder
errorToString : Error -> String
errorToString _ = ""
