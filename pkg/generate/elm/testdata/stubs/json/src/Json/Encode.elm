module Json.Encode exposing (..)
import Dict
type Value = Value
string : String -> Value
string _ = Value
int : Int -> Value
int _ = Value
float : Float -> Value
float _ = Value
bool : Bool -> Value
bool _ = Value
null : Value
null = Value
list : (a -> Value) -> List a -> Value
list _ _ = Value
object : List ( String, Value ) -> Value
object _ = Value
dict : (k -> String) -> (v -> Value) -> Dict.Dict k v -> Value
dict _ _ _ = Value
