module Basics exposing (..)
infix right 0 (<|) = apL
infix left 0 (|>) = apR
infix right 2 (||) = or
infix right 3 (&&) = and
infix non 4 (==) = eq
infix non 4 (/=) = neq
infix non 4 (<) = lt
infix non 4 (>) = gt
infix right 5 (++) = append
infix left 6 (+) = add
infix left 6 (-) = sub
infix left 7 (*) = mul
infix left 9 (<<) = composeL
infix left 9 (>>) = composeR
type Int = Int
type Float = Float
type Bool = True | False
type Order = LT | EQ | GT
type Never = JustOneMore Never
add : number -> number -> number
add a _ = a
sub : number -> number -> number
sub a _ = a
mul : number -> number -> number
mul a _ = a
append : appendable -> appendable -> appendable
append a _ = a
eq : a -> a -> Bool
eq _ _ = True
neq : a -> a -> Bool
neq _ _ = True
lt : comparable -> comparable -> Bool
lt _ _ = True
gt : comparable -> comparable -> Bool
gt _ _ = True
and : Bool -> Bool -> Bool
and a _ = a
or : Bool -> Bool -> Bool
or a _ = a
not : Bool -> Bool
not a = a
negate : number -> number
negate a = a
apL : (a -> b) -> a -> b
apL f x = f x
apR : a -> (a -> b) -> b
apR x f = f x
composeL : (b -> c) -> (a -> b) -> (a -> c)
composeL g f x = g (f x)
composeR : (a -> b) -> (b -> c) -> (a -> c)
composeR f g x = g (f x)
identity : a -> a
identity x = x
always : a -> b -> a
always a _ = a
