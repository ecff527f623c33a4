# Sourced after deploy/prepare.sh: the engines that `sarhad lake ask` asks, each in an environment of its own.

# ensure_lake duckdb|spark: Spark needs Java besides.
ensure_lake() {
  local venv="$root/.sarhad/lake-$1-venv"
  case $1 in
    duckdb) ensure_tool "$venv" deploy/lake/duckdb.txt ;;
    spark)
      ensure_packages openjdk-17-jre-headless
      ensure_tool "$venv" deploy/lake/spark.txt pyspark
      ;;
    *) die "duckdb or spark, not $1" ;;
  esac
}
