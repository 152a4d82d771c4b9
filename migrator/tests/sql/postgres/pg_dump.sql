--
-- PostgreSQL database dump
--

\restrict 3cGXlmHr6iU0b1a2

-- Dumped from database version 15.18
-- Dumped by pg_dump version 17.6

SET statement_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET xmloption = content;

--
-- Name: touch(); Type: FUNCTION; Schema: public; Owner: app
--

CREATE FUNCTION public.touch() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    NEW.updated_at := now(); -- it's here
    RETURN NEW;
END;
$$;


ALTER FUNCTION public.touch() OWNER TO app;

SET default_tablespace = '';

CREATE TABLE public.notes (
    id bigint NOT NULL,
    body text DEFAULT 'a;b'::text
);

COPY public.notes (id, body) FROM stdin;
1	don't panic; it's data
2	\N
\.


SELECT pg_catalog.setval('public.notes_id_seq', 2, true);


ALTER TABLE ONLY public.notes
    ADD CONSTRAINT notes_pkey PRIMARY KEY (id);


--
-- PostgreSQL database dump complete
--

\unrestrict 3cGXlmHr6iU0b1a2

