module List exposing (..)
import Basics exposing (..)
infix right 5 (::) = cons
cons : a -> List a -> List a
cons _ xs = xs
map : (a -> b) -> List a -> List b
map _ _ = []
foldl : (a -> b -> b) -> b -> List a -> b
foldl _ b _ = b
foldr : (a -> b -> b) -> b -> List a -> b
foldr _ b _ = b
filter : (a -> Bool) -> List a -> List a
filter _ xs = xs
concatMap : (a -> List b) -> List a -> List b
concatMap _ _ = []
