CREATE SCHEMA sample;

CREATE TABLE sample.authors (
    id integer PRIMARY KEY,
    name text NOT NULL,
    born integer NOT NULL
);

CREATE TABLE sample.books (
    id integer PRIMARY KEY,
    author_id integer NOT NULL REFERENCES sample.authors (id),
    title text NOT NULL,
    published integer NOT NULL
);

INSERT INTO sample.authors (id, name, born) VALUES
    (1, 'Mary Shelley', 1797),
    (2, 'Jules Verne', 1828),
    (3, 'Ursula K. Le Guin', 1929);

INSERT INTO sample.books (id, author_id, title, published) VALUES
    (1, 1, 'Frankenstein', 1818),
    (2, 1, 'The Last Man', 1826),
    (3, 2, 'Around the World in Eighty Days', 1872),
    (4, 3, 'The Left Hand of Darkness', 1969),
    (5, 3, 'The Dispossessed', 1974);

