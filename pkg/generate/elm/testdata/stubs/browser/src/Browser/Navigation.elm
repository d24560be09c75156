module Browser.Navigation exposing (..)
type Key = Key
