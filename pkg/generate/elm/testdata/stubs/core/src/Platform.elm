module Platform exposing (..)
type Program flags model msg = Program
