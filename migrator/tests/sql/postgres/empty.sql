-- nothing to do
;
/* here; */ ;;

