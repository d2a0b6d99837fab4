package org.apache.spark.sql.catalyst.catalog

/** TiSpark's name of the catalog, kept so that its configuration goes on working. Everything is in [[io.tidbspark.TiCatalog]]. */
class TiCatalog extends io.tidbspark.TiCatalog
