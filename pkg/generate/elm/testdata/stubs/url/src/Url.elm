module Url exposing (..)
type alias Url = { path : String }
