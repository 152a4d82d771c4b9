-- a; b
/* c; /* d */
SELECT 1 -- e; f
, 2 /* g; */;
SELECT 5--1;
;
SELECT 6 */* mul; */ 7;
;;
SELECT 8 -- no newline