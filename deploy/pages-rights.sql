-- What the pages' user may do in the database: rows, and nothing about tables. Run as often as you like.
GRANT CONNECT ON DATABASE loalang TO "loalang-web";
GRANT USAGE ON SCHEMA public TO "loalang-web";
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO "loalang-web";
GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA public TO "loalang-web";
ALTER DEFAULT PRIVILEGES FOR ROLE loalang IN SCHEMA public
	GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO "loalang-web";
ALTER DEFAULT PRIVILEGES FOR ROLE loalang IN SCHEMA public
	GRANT USAGE, SELECT, UPDATE ON SEQUENCES TO "loalang-web";
